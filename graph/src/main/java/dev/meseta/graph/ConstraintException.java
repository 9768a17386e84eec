package dev.meseta.graph;

/** An op whose operands or attributes break a numbered constraint of its specification. */
public final class ConstraintException extends MesetaException {
    private static final long serialVersionUID = 1L;
    private final String op;
    private final String constraint;

    public ConstraintException(String op, String constraint, String message) {
        super(op + " " + constraint + ": " + message);
        this.op = op;
        this.constraint = constraint;
    }

    /** The op's mnemonic. */
    public String op() {
        return op;
    }

    /** The constraint's number in {@link OpSpec}, such as {@code C2}. */
    public String constraint() {
        return constraint;
    }
}
