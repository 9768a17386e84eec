package dev.meseta.drivers.ethosu.compiler;

/** Says that a node does not run on the device, and why. */
final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Refusal(String reason) {
        super(reason, null, false, false);
    }

    static void unless(boolean condition, String reason) {
        if (!condition) throw new Refusal(reason);
    }
}
