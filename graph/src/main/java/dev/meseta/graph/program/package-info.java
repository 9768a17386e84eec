/**
 * A model as its frontend understood it, before shapes are known: named calls, each of which can say itself in the op set once its
 * operands' types are known. Begin with {@link dev.meseta.graph.program.Program}.
 */
@NullMarked
package dev.meseta.graph.program;

import org.jspecify.annotations.NullMarked;
