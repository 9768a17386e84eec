package dev.meseta.graph;

/** A graph that is not one: the mistake of the pass or frontend that made it, not of its user. */
public final class VerificationException extends MesetaException {
    private static final long serialVersionUID = 1L;

    public VerificationException(String message) {
        super(message);
    }

    public VerificationException(String message, ConstraintException cause) {
        super(message, cause);
    }
}
