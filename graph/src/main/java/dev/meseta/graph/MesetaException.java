package dev.meseta.graph;

import org.jspecify.annotations.Nullable;

/**
 * Meseta's own exception: one message that says what is wrong, where, and what to do. Unchecked. The subclass says whose mistake it is.
 */
public class MesetaException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public MesetaException(String message) {
        super(message);
    }

    public MesetaException(String message, @Nullable Throwable cause) {
        super(message, cause);
    }

    /** The message, which is never null here. */
    @Override
    public String getMessage() {
        return String.valueOf(super.getMessage());
    }
}
