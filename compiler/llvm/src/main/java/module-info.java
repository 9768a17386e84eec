/** LLVM backend. */
module dev.meseta.compiler.llvm {
    requires transitive dev.meseta.compiler.kernel;
    requires static org.jspecify;

    exports dev.meseta.compiler.llvm;
}
