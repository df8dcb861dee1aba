/* Every row of y [rows][cols] times `factor`, plus `shift`, in place. */
static void scale_rows(int rows, int cols, const float *factor, const float *shift, float *y)
{
    for (int r = 0; r < rows; r++) {
        for (int c = 0; c < cols && factor != NULL; c++) y[c] *= factor[c];
        for (int c = 0; c < cols && shift != NULL; c++) y[c] += shift[c];
        y += cols;
    }
}
