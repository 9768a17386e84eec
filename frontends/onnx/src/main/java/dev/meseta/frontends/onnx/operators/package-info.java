/**
 * What each ONNX operator means, by version: a table from (domain, name, version) to a lowering. One file a family; each registers its
 * operators with the {@link dev.meseta.frontends.onnx.operators.Registry}, where reading begins. Knows the op set, no file format.
 */
@NullMarked
package dev.meseta.frontends.onnx.operators;

import org.jspecify.annotations.NullMarked;
