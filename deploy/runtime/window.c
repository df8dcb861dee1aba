/* The sizes of a convolution or of pooling. Images are [row][column][channel]. */
typedef struct {
    int in_rows, in_cols, channels;    /* image that is read */
    int out_rows, out_cols, kernels;   /* image that is written: kernels are its channels */
    int rows, cols;                    /* of the window */
    int row_stride, col_stride;        /* pixels from one place of the window to the next */
    int row_dilation, col_dilation;    /* pixels from one tap of the window to the next */
    int top, left;                     /* padding */
} window;
