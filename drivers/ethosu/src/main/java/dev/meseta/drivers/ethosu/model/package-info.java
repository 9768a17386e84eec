/**
 * A model of Ethos-U65 that executes command streams to the bit. Begin with {@link dev.meseta.drivers.ethosu.model.DeviceModel}. Shares
 * nothing with what makes streams but the table of commands.
 */
@NullMarked
package dev.meseta.drivers.ethosu.model;

import org.jspecify.annotations.NullMarked;
