/* y limited to low ... high, in place. */
static void clip(int count, float low, float high, float *y)
{
    for (int i = 0; i < count; i++) {
        y[i] = y[i] < low ? low : y[i] > high ? high : y[i];
    }
}
