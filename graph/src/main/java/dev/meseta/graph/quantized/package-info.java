/**
 * Quantised operators that devices may know as a whole: the names and attributes of the composites that a frontend makes of them. A
 * composite's body is its exact meaning, so that a device which does not know the name loses nothing. Begin with
 * {@link dev.meseta.graph.quantized.QuantizedOp}.
 */
@NullMarked
package dev.meseta.graph.quantized;

import org.jspecify.annotations.NullMarked;
