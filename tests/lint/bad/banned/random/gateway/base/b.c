int b(void);
int b(void)
{
	return (int)random (0);
}
