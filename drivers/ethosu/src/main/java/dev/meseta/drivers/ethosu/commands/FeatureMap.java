package dev.meseta.drivers.ethosu.commands;

/**
 * Elements by height, width and channel, in up to four tiles: the second lies right of the first, the third below it, the fourth right of
 * the third.
 *
 * @param region the memory that it is in
 * @param bases where each tile begins
 * @param height0 rows of the first tile
 * @param height1 rows of the second
 * @param width0 columns of the first and the third
 * @param strideY bytes from row to row
 * @param strideX bytes from column to column; for bricks always 16 elements
 * @param strideC for bricks, bytes from one to the next 16 channels
 * @param bricks whether channels lie in groups of 16, each of which has all columns of a row; else channels are innermost
 * @param bytes of an element
 * @param signed whether elements have a sign
 * @param zeroPoint what stands for 0
 */
public record FeatureMap(
        int region,
        long[] bases,
        int height0,
        int height1,
        int width0,
        long strideY,
        long strideX,
        long strideC,
        boolean bricks,
        int height,
        int width,
        int depth,
        int bytes,
        boolean signed,
        int zeroPoint) {
    private static final int BRICK = 16;

    /** Where an element lies in its region. */
    public long address(int y, int x, int c) {
        int right = x < width0 ? 0 : 1;
        int rows = right == 0 ? height0 : height1;
        int below = y < rows ? 0 : 1;
        int column = x - right * width0;
        long at = bases[right + 2 * below] + (y - below * rows) * strideY;
        if (!bricks) return at + column * strideX + (long) c * bytes;
        return at + c / BRICK * strideC + (long) column * BRICK * bytes + (long) (c % BRICK) * bytes;
    }
}
