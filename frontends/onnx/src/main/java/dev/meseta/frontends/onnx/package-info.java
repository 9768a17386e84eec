/**
 * Reads ONNX models and lowers them to graphs of the op set. Knows no device, no driver and no compiler.
 */
@NullMarked
package dev.meseta.frontends.onnx;

import org.jspecify.annotations.NullMarked;
