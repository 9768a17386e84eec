/** The device {@code reference}: the interpreter of the op set. */
module dev.meseta.drivers.reference {
    requires dev.meseta.driver;
    requires static org.jspecify;

    provides dev.meseta.driver.Driver with
            dev.meseta.drivers.reference.ReferenceDriver;
}
