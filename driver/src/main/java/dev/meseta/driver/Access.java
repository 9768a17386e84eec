package dev.meseta.driver;

/** A direction. */
public enum Access {
    READ,
    WRITE,
    READ_WRITE;

    public boolean writes() {
        return this != READ;
    }

    public boolean reads() {
        return this != WRITE;
    }
}
