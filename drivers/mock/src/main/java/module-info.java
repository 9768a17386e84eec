/** The device {@code mock}: the interpreter of the op set behind a device that can be told to be slow, to hang, to fail, or to vanish. */
module dev.meseta.drivers.mock {
    requires transitive dev.meseta.driver;
    requires static org.jspecify;

    exports dev.meseta.drivers.mock;

    provides dev.meseta.driver.Driver with
            dev.meseta.drivers.mock.MockDriver;
}
