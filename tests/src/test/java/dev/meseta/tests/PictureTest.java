package dev.meseta.tests;

import dev.meseta.demo.ReadText;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pictures as the demo sees them. */
final class PictureTest {
    @Test
    void transparentIsWhite(@TempDir Path folder) throws IOException {
        BufferedImage drawn = new BufferedImage(3, 1, BufferedImage.TYPE_INT_ARGB);
        drawn.setRGB(1, 0, 0xff000000);
        drawn.setRGB(2, 0, 0xff123456);
        Path file = folder.resolve("drawn.png");
        Assertions.assertTrue(ImageIO.write(drawn, "png", file.toFile()));
        BufferedImage read = ReadText.picture(file);
        Assertions.assertArrayEquals(
                new int[] {0xffffffff, 0xff000000, 0xff123456}, read.getRGB(0, 0, 3, 1, null, 0, 3));
    }
}
