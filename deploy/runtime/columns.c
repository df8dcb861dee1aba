/* Copies `width` columns of a matrix whose rows are x_step apart to one whose rows are y_step apart. */
static void copy_columns(int rows, int width, const float *x, int x_step, float *y, int y_step)
{
    for (int r = 0; r < rows; r++) memcpy(y + r * y_step, x + r * x_step, (size_t)width * sizeof *y);
}
