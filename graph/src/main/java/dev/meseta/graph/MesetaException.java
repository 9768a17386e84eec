package dev.meseta.graph;

/**
 * Meseta's own exception: one message that says what is wrong, where, and what to do. Unchecked. The subclass says whose mistake it is.
 */
public sealed class MesetaException extends RuntimeException
        permits InvalidInputException, ConstraintException, VerificationException {
    private static final long serialVersionUID = 1L;

    public MesetaException(String message) {
        super(message);
    }

    public MesetaException(String message, Throwable cause) {
        super(message, cause);
    }

    /** The message, which is never null here. */
    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
