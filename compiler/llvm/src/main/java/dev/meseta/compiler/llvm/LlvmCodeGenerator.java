package dev.meseta.compiler.llvm;

import dev.meseta.machine.CodeGenerator;

/** LLVM, for whoever asks whether there is a code generator. */
public final class LlvmCodeGenerator implements CodeGenerator {
    @Override
    public String unavailable() {
        return KernelCompiler.unavailable();
    }
}
