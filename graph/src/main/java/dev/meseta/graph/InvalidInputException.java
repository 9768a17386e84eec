package dev.meseta.graph;

/** What came from outside (a model, a file, a tensor, a flag) cannot be used: the user's to mend, exit code 2 of the tool. */
public final class InvalidInputException extends MesetaException {
    private static final long serialVersionUID = 1L;

    public InvalidInputException(String message) {
        super(message);
    }

    public InvalidInputException(String message, Throwable cause) {
        super(message, cause);
    }
}
