package dev.meseta.conformance.driver;

/**
 * One case of the suite.
 *
 * @param chapter what it is about
 * @param name what must hold
 * @param body does it; throws {@link AssertionError} where it does not hold, {@link Skipped} where the device does not offer what it needs
 */
record DriverCase(String chapter, String name, Body body) {
    @FunctionalInterface
    interface Body {
        void run(Subject subject) throws Exception;
    }

    String id() {
        return chapter + " " + name;
    }
}
