package dev.meseta.compiler;

/** Something cannot be compiled in the way that is tried; whoever tried it catches this, and takes another way. */
final class Unfit extends RuntimeException {
    private static final long serialVersionUID = 1;

    Unfit() {
        super("not in this way", null, false, false);
    }
}
