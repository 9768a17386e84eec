/**
 * The device {@code reference}: the op set's interpreter behind the driver contract, slow and by definition right.
 */
@NullMarked
package dev.meseta.drivers.reference;

import org.jspecify.annotations.NullMarked;
