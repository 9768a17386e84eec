/**
 * The suite that every driver passes: {@link dev.meseta.conformance.driver.DriverSuite} runs chapters of cases, each a class of its own,
 * against a {@link dev.meseta.conformance.driver.Subject}. It uses what the contract offers, and nothing that only one driver has, but for
 * the faults, which only the mock device can be told to have.
 */
@NullMarked
package dev.meseta.conformance.driver;

import org.jspecify.annotations.NullMarked;
