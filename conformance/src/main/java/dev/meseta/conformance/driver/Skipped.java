package dev.meseta.conformance.driver;

/** A case that does not apply to a device. */
final class Skipped extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Skipped(String reason) {
        super(reason, null, false, false);
    }
}
