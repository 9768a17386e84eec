/**
 * Turns kernels into machine code with LLVM, reached through its C interface. Knows kernels and nothing above them.
 */
@NullMarked
package dev.meseta.compiler.llvm;

import org.jspecify.annotations.NullMarked;
