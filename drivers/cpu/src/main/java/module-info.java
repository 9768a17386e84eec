/** CPU driver. */
module dev.meseta.drivers.cpu {
    requires transitive dev.meseta.driver;
    requires dev.meseta.compiler.llvm;
    requires dev.meseta.linux;
    requires static org.jspecify;
}
