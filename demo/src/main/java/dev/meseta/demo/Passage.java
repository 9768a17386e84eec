package dev.meseta.demo;

import java.nio.file.Path;

/**
 * A piece of a text file.
 *
 * @param file where it stands
 * @param line its first line, counted from 1
 * @param text the text, without line breaks around it
 */
public record Passage(Path file, long line, String text) {}
