/** Machine code: loaded from object files, called with arguments in a known layout. Knows no compiler. */
module dev.meseta.machine {
    requires transitive dev.meseta.compiler.kernel;
    requires static org.jspecify;

    exports dev.meseta.machine;
}
