/** CPU driver. */
module dev.meseta.drivers.cpu {
    requires dev.meseta.driver;
    requires dev.meseta.machine;
    // Not there where packages alone run.
    requires static dev.meseta.compiler.llvm;
    requires dev.meseta.linux;
    requires static org.jspecify;

    uses dev.meseta.machine.CodeGenerator;

    provides dev.meseta.driver.Driver with
            dev.meseta.drivers.cpu.CpuDriver;
}
