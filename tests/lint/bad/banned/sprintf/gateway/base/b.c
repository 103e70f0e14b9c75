int b(void);
int b(void)
{
	return (int)sprintf (0);
}
