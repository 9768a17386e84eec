/**
 * The device {@code null}: all that the contract asks of a driver, and nothing else. Measures what the stack costs, and is the example of
 * {@code docs/driver-contract.md}. (Its package is not called {@code null}, which is a word of Java's.)
 */
@NullMarked
package dev.meseta.drivers.nothing;

import org.jspecify.annotations.NullMarked;
