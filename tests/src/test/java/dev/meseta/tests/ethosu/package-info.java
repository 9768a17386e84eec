/**
 * Command streams of Ethos-U: those that Arm's compiler Vela made, checked, printed and run by the device model, and whole networks of random
 * weights ({@link dev.meseta.tests.ethosu.Networks}) on all devices.
 */
package dev.meseta.tests.ethosu;
