/** Arm's Ethos-U65: its command streams, and a model of the device that executes them. */
module dev.meseta.drivers.ethosu {
    exports dev.meseta.drivers.ethosu;
    exports dev.meseta.drivers.ethosu.commands;
    exports dev.meseta.drivers.ethosu.compiler;
    exports dev.meseta.drivers.ethosu.model;

    requires transitive dev.meseta.driver;
    requires dev.meseta.linux;
    requires static org.jspecify;

    provides dev.meseta.driver.Driver with
            dev.meseta.drivers.ethosu.EthosuDriver;
    provides dev.meseta.graph.program.CustomOperatorProvider with
            dev.meseta.drivers.ethosu.EthosuOperator;
}
