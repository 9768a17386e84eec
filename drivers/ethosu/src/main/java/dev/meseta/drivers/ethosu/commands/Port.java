package dev.meseta.drivers.ethosu.commands;

/** The three feature maps of an operation, by the beginning of their registers' names: operand, second operand, result. */
public enum Port {
    IFM,
    IFM2,
    OFM;

    /** The register of this feature map whose name ends so, such as {@code REGION}. */
    public Opcode register(String name) {
        return Opcode.valueOf(name() + "_" + name);
    }
}
