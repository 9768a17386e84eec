/** The contract between the stack and a device. */
module dev.meseta.driver {
    requires transitive dev.meseta.compiler.kernel;
    requires transitive dev.meseta.graph;
    requires dev.meseta.linux;
    requires static org.jspecify;

    exports dev.meseta.driver;
    exports dev.meseta.driver.plan;

    uses dev.meseta.driver.Driver;
}
