/** SPIR-V backend. */
module dev.meseta.compiler.spirv {
    requires transitive dev.meseta.compiler.kernel;
    requires static org.jspecify;

    exports dev.meseta.compiler.spirv;
}
