package dev.meseta.demo;

/** Is told how far long work has come. */
public interface Progress {
    /** Says nothing. */
    Progress NONE = (_, _) -> {};

    /**
     * @param done units of work that are done
     * @param total units of work in all
     */
    void at(long done, long total);
}
