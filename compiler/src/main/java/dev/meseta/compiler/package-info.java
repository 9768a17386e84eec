/**
 * From graphs to kernels. A graph is cut into groups of nodes that are computed together ({@code Fusion}); the value of an element of a
 * group is pulled as an expression over loop variables from what is stored ({@code Pull}, {@code Points}); the loops are split and joined
 * until index arithmetic is linear ({@code Nest}); and a kernel for the group's kind writes loops around the expression
 * ({@code MapKernel}, {@code ReduceKernel}, …). {@code MemoryPlan} lays out what lives between kernels. It knows the op set, the kernel
 * language and the commands of the driver contract, and no driver. Begin with {@link dev.meseta.compiler.GraphCompiler}.
 *
 * <p>An extent with a symbol is an argument of a kernel, others are literals. Decisions may look at all numbers: they are right for the
 * graph at hand, and where another extent leads to the same decisions, it leads to a kernel of the same text.
 */
@NullMarked
package dev.meseta.compiler;

import org.jspecify.annotations.NullMarked;
