/**
 * Real models on a user's own files: semantic search in text, and reading text from pictures.
 */
@NullMarked
package dev.meseta.demo;

import org.jspecify.annotations.NullMarked;
