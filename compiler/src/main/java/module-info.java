/** Compiler: programs to graphs at concrete shapes, graphs to kernels and command lists. */
module dev.meseta.compiler {
    requires transitive dev.meseta.graph;
    requires transitive dev.meseta.compiler.kernel;
    requires transitive dev.meseta.driver;
    requires transitive dev.meseta.runtime;
    requires dev.meseta.linux;
    requires static org.jspecify;

    exports dev.meseta.compiler.partition;
    exports dev.meseta.compiler.specialize;
    exports dev.meseta.compiler;

    provides dev.meseta.runtime.StageMaker with
            dev.meseta.compiler.specialize.Specializer;
}
