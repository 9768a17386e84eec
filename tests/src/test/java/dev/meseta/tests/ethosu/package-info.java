/** Command streams of Ethos-U that Arm's compiler Vela made, checked, printed and run by the device model. */
package dev.meseta.tests.ethosu;
