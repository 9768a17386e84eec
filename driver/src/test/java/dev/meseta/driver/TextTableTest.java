package dev.meseta.driver;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

final class TextTableTest {
    @Test
    void rowsHaveWordsAndNoComments() {
        byte[] text = "# a table\n\n a  b=1 - # of\r\nc\n   \n".getBytes(StandardCharsets.UTF_8);
        assertEquals(List.of(List.of("a", "b=1", "-"), List.of("c")), TextTable.rows(new ByteArrayInputStream(text)));
    }

    @Test
    void aMissingTableIsSaidToBeMissing() {
        assertThrows(IllegalStateException.class, () -> TextTable.rows(null));
    }
}
