/**
 * The suites that every device must pass, their data, and the lists of failures that are expected and why.
 */
@NullMarked
package dev.meseta.conformance;

import org.jspecify.annotations.NullMarked;
