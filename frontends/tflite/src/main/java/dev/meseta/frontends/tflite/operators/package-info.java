/**
 * TFLite's operators in terms of the op set: {@link dev.meseta.frontends.tflite.operators.Operators} is the table,
 * {@link dev.meseta.frontends.tflite.operators.FixedPoint} the arithmetic of the quantised ones.
 */
@NullMarked
package dev.meseta.frontends.tflite.operators;

import org.jspecify.annotations.NullMarked;
