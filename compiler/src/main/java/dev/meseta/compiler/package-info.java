/**
 * Passes over graphs, fusion, the split between devices, and the lowering of graphs to kernels. The one module that
 * knows both the op set and kernels.
 */
@NullMarked
package dev.meseta.compiler;

import org.jspecify.annotations.NullMarked;
