/** CPU driver. */
module dev.meseta.drivers.cpu {
    requires dev.meseta.driver;
    requires dev.meseta.compiler.llvm;
    requires dev.meseta.linux;
    requires static org.jspecify;

    provides dev.meseta.driver.Driver with
            dev.meseta.drivers.cpu.CpuDriver;
}
