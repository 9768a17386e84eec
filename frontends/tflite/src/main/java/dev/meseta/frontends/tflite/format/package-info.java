/**
 * What is in a TFLite file, checked: {@link dev.meseta.frontends.tflite.format.FlatBuffer} reads tables, and
 * {@link dev.meseta.frontends.tflite.format.ModelFile} makes records of them.
 */
@NullMarked
package dev.meseta.frontends.tflite.format;

import org.jspecify.annotations.NullMarked;
