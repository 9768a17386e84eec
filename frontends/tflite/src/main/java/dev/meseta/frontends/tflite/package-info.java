/**
 * TFLite files to programs of the op set. Begin with {@link dev.meseta.frontends.tflite.TfliteReader}; the arithmetic of quantised
 * operators is described in {@code docs/tflite.md}.
 */
@NullMarked
package dev.meseta.frontends.tflite;

import org.jspecify.annotations.NullMarked;
