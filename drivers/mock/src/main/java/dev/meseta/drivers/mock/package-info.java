/**
 * The device {@code mock}, for tests of all that can go wrong: it has memory of its own, which the host does not see, runs jobs beside their
 * caller, gives the right results, and can be told to be slow, to hang, to fail, or to vanish. Begin with
 * {@link dev.meseta.drivers.mock.MockDevice}.
 */
@NullMarked
package dev.meseta.drivers.mock;

import org.jspecify.annotations.NullMarked;
