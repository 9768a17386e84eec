/** LLVM backend. */
module dev.meseta.compiler.llvm {
    requires transitive dev.meseta.compiler.kernel;
    requires transitive dev.meseta.machine;
    requires static org.jspecify;

    exports dev.meseta.compiler.llvm;

    provides dev.meseta.machine.CodeGenerator with
            dev.meseta.compiler.llvm.LlvmCodeGenerator;
}
